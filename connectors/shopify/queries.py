"""Everything that is sent to Shopify, word for word; the tests hold each against the vendor's schema."""

from __future__ import annotations

import re
from typing import Final

#: The version that these are written for, and the day from which the shop may answer by another one.
VERSION: Final = "2026-07"
SUNSET: Final = "2027-07-01"

_MONEY: Final = """
fragment Money on MoneyBag {
  shopMoney { amount currencyCode }
  presentmentMoney { amount currencyCode }
}
"""

_LINE: Final = """
fragment Tax on TaxLine { title rate priceSet { ...Money } }
fragment Line on LineItem {
  id sku title name variantTitle quantity currentQuantity
  originalUnitPriceSet { ...Money }
  discountAllocations {
    allocatedAmountSet { ...Money }
    discountApplication {
      index
      ... on DiscountCodeApplication { code }
    }
  }
  taxLines { ...Tax }
  duties { id price { ...Money } taxLines { ...Tax } }
  isGiftCard requiresShipping
  product { id }
  variant { id }
  customAttributes { key value }
  lineItemGroup { id }
}
"""

_REFUND: Final = """
fragment Given on Refund {
  id createdAt processedAt note
  totalRefundedSet { ...Money }
  refundLineItems(first: 50) {
    nodes { lineItem { id } quantity restockType subtotalSet { ...Money } totalTaxSet { ...Money } }
    pageInfo { hasNextPage }
  }
  refundShippingLines(first: 10) {
    nodes { shippingLine { id } subtotalAmountSet { ...Money } taxAmountSet { ...Money } }
    pageInfo { hasNextPage }
  }
  duties { amountSet { ...Money } }
  orderAdjustments(first: 10) {
    nodes { reason amountSet { ...Money } taxAmountSet { ...Money } }
    pageInfo { hasNextPage }
  }
}
"""

#: What of an order stands in no list of its own.
_HEAD: Final = """
fragment Address on MailingAddress {
  firstName lastName company address1 address2 city province provinceCode zip countryCodeV2 phone
}
fragment Head on Order {
  id name createdAt processedAt updatedAt cancelledAt closedAt
  currencyCode presentmentCurrencyCode taxesIncluded dutiesIncluded test note tags email phone poNumber
  sourceName sourceIdentifier confirmationNumber discountCodes paymentGatewayNames
  displayFinancialStatus displayFulfillmentStatus
  totalPriceSet { ...Money }
  totalTaxSet { ...Money }
  totalTipReceivedSet { ...Money }
  currentTotalPriceSet { ...Money }
  customAttributes { key value }
  paymentTerms { paymentTermsName }
  customer { id firstName lastName defaultEmailAddress { emailAddress } }
  purchasingEntity {
    ... on PurchasingCompany { company { id name externalId } location { id name externalId } }
  }
  billingAddress { ...Address }
  shippingAddress { ...Address }
  additionalFees { id name price { ...Money } taxLines { ...Tax } }
  taxLines { ...Tax }
  transactions {
    id kind status gateway formattedGateway processedAt test amountSet { ...Money }
    fees { amount { amount currencyCode } }
  }
}
"""

_SHIPPING: Final = """
fragment Shipping on ShippingLine {
  id title code source originalPriceSet { ...Money } discountedPriceSet { ...Money } taxLines { ...Tax } isRemoved
}
"""

_ORDER: Final = f"""
{_MONEY}{_LINE}{_REFUND}{_HEAD}{_SHIPPING}
fragment Whole on Order {{
  ...Head
  metafields(first: 5, namespace: "crossdock") {{ nodes {{ key jsonValue }} }}
  lineItems(first: 50) {{ nodes {{ ...Line }} pageInfo {{ hasNextPage endCursor }} }}
  shippingLines(first: 10) {{ nodes {{ ...Shipping }} pageInfo {{ hasNextPage }} }}
  refunds {{ ...Given }}
}}
"""

#: Orders in the order of their change.
ORDERS: Final = f"""{_ORDER}
query Orders($first: Int!, $after: String, $query: String!) {{
  shop {{ ianaTimezone }}
  orders(first: $first, after: $after, sortKey: UPDATED_AT, query: $query) {{
    nodes {{ ...Whole }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""

#: Orders by id; null for one that cannot be seen.
BY_ID: Final = f"""{_ORDER}
query OrdersById($ids: [ID!]!) {{
  shop {{ ianaTimezone }}
  nodes(ids: $ids) {{ ...Whole }}
}}
"""

#: What does not fit: the lines of an order of more than fifty.
LINES: Final = f"""{_MONEY}{_LINE}
query Lines($id: ID!, $after: String) {{
  order(id: $id) {{
    lineItems(first: 100, after: $after) {{ nodes {{ ...Line }} pageInfo {{ hasNextPage endCursor }} }}
  }}
}}
"""

#: The refunds of one order, with their lines.
REFUNDS_OF: Final = f"""{_MONEY}{_REFUND}
query RefundsOf($id: ID!) {{
  order(id: $id) {{ id refunds {{ ...Given }} }}
}}
"""

#: The refunds of orders in the order of their change.
REFUNDS: Final = f"""{_MONEY}
query Refunds($first: Int!, $after: String, $query: String!) {{
  shop {{ ianaTimezone }}
  orders(first: $first, after: $after, sortKey: UPDATED_AT, query: $query) {{
    nodes {{ id name updatedAt refunds {{ id createdAt processedAt totalRefundedSet {{ ...Money }} }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""

#: The cheap list.
SUMMARIES: Final = f"""{_MONEY}
query Summaries($first: Int!, $after: String, $query: String!) {{
  shop {{ ianaTimezone }}
  orders(first: $first, after: $after, sortKey: PROCESSED_AT, query: $query) {{
    nodes {{
      id name processedAt updatedAt cancelledAt displayFinancialStatus
      totalPriceSet {{ ...Money }}
      currentTotalPriceSet {{ ...Money }}
      totalReceivedSet {{ ...Money }}
      totalRefundedSet {{ ...Money }}
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""

#: Everything from a moment on, in one file: its lists have to be written in another way, those inside of lists (of a
#: refund, its lines) cannot be had, and neither can fragments be counted on nor variables.
_HISTORY: Final = """
query History {
  orders(query: "QUERY", sortKey: UPDATED_AT) {
    edges {
      node {
        ...Head
        refunds { id }
        metafields(namespace: "crossdock") { edges { node { id key jsonValue } } }
        lineItems { edges { node { ...Line } } }
        shippingLines { edges { node { ...Shipping } } }
      }
    }
  }
}
"""

COUNT: Final = """
query CountOrders($query: String!) {
  ordersCount(query: $query) { count precision }
}
"""

RUN: Final = """
mutation Run($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: true) {
    bulkOperation { id status }
    userErrors { field message code }
  }
}
"""

OPERATION: Final = """
query Operation($id: ID!) {
  bulkOperation(id: $id) { id status errorCode createdAt objectCount fileSize url partialDataUrl }
}
"""

SHOP: Final = """
query Shop {
  shop { name myshopifyDomain ianaTimezone currencyCode taxesIncluded }
  publicApiVersions { handle supported }
}
"""

SUBSCRIPTIONS: Final = """
query Subscriptions($after: String) {
  webhookSubscriptions(first: 100, after: $after) {
    nodes { id topic uri format apiVersion { handle } }
    pageInfo { hasNextPage endCursor }
  }
}
"""

SUBSCRIBE: Final = """
mutation Subscribe($topic: WebhookSubscriptionTopic!, $uri: String!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: {uri: $uri, format: JSON}) {
    webhookSubscription { id topic uri format apiVersion { handle } }
    userErrors { field message }
  }
}
"""

_SPREAD: Final = re.compile(r"\.\.\.(\w+)")


def history(since: str) -> str:
    """The query of a bulk operation: all that was changed at `since` (as a checkpoint has it) or after."""
    bodies = {}
    for fragment in f"{_MONEY}{_LINE}{_HEAD}{_SHIPPING}".split("fragment ")[1:]:
        name, _, body = fragment.strip().removesuffix("}").partition("{")
        bodies[name.split()[0]] = body.strip()
    text = _HISTORY.replace("QUERY", f"updated_at:>='{since}Z'")
    while _SPREAD.search(text):
        text = _SPREAD.sub(lambda spread: bodies[spread[1]], text)
    return text


ALL: Final = (
    ORDERS,
    BY_ID,
    LINES,
    REFUNDS_OF,
    REFUNDS,
    SUMMARIES,
    COUNT,
    RUN,
    OPERATION,
    SHOP,
    SUBSCRIPTIONS,
    SUBSCRIBE,
)
