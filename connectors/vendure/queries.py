"""Everything that is sent to Vendure, word for word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_FULFILMENT: Final = "id state method trackingCode createdAt updatedAt lines { orderLineId quantity }"
_REFUND: Final = """
id state total items shipping adjustment reason method transactionId createdAt updatedAt paymentId
lines { orderLineId quantity }
"""
_ERROR: Final = "... on ErrorResult { errorCode message }"
_ADDRESS: Final = "fullName company streetLine1 streetLine2 city province postalCode country countryCode phoneNumber"
_DISCOUNT: Final = "adjustmentSource type description amount amountWithTax"

#: Notes of people and of ours; the rest of the history says nothing that an order does not say itself.
_NOTES: Final = """
notes: history(options: {take: 100, sort: {id: ASC}, filter: {type: {eq: "ORDER_NOTE"}}}) {
  items { id isPublic createdAt updatedAt data }
}
"""

_ORDER: Final = f"""
id code type state active currencyCode createdAt updatedAt orderPlacedAt couponCodes
subTotal subTotalWithTax shipping shippingWithTax total totalWithTax totalQuantity
taxSummary {{ description taxRate taxBase taxTotal }}
discounts {{ {_DISCOUNT} }}
surcharges {{ id description sku price priceWithTax taxLines {{ description taxRate }} }}
customer {{ id firstName lastName emailAddress phoneNumber user {{ id }} }}
billingAddress {{ {_ADDRESS} }}
shippingAddress {{ {_ADDRESS} }}
lines {{
  id quantity orderPlacedQuantity unitPrice unitPriceWithTax linePrice linePriceWithTax
  proratedUnitPrice proratedUnitPriceWithTax proratedLinePrice proratedLinePriceWithTax
  taxLines {{ description taxRate }}
  discounts {{ {_DISCOUNT} }}
  productVariant {{ id sku name }}
}}
shippingLines {{ id shippingMethod {{ code name }} price priceWithTax discountedPrice discountedPriceWithTax }}
payments {{ id method amount state transactionId createdAt updatedAt refunds {{ {_REFUND} }} }}
fulfillments {{ {_FULFILMENT} }}
{_NOTES}
"""

_SHOP: Final = "globalSettings { serverConfig { moneyStrategyPrecision } } activeChannel { pricesIncludeTax }"


def orders(custom_fields: Sequence[str]) -> str:
    """Whole orders, with the shop's own fields that the connection names."""
    own = f"customFields {{ {' '.join(custom_fields)} }}" if custom_fields else ""
    items = f"orders(options: $options) {{ items {{ {_ORDER}{own} }} }}"
    return f"query Orders($options: OrderListOptions) {{ {_SHOP} {items} }}"


#: The times of what hangs on orders, and nothing else.
PARTS: Final = """
query Parts($options: OrderListOptions) {
  orders(options: $options) {
    items {
      id updatedAt orderPlacedAt
      payments { updatedAt refunds { updatedAt } }
      fulfillments { updatedAt }
      notes: history(options: {take: 1, sort: {updatedAt: DESC}, filter: {type: {eq: "ORDER_NOTE"}}}) {
        items { updatedAt }
      }
    }
  }
}
"""

#: The cheap list.
SUMMARIES: Final = f"""
query Summaries($options: OrderListOptions) {{
  {_SHOP}
  orders(options: $options) {{
    items {{
      id code state currencyCode updatedAt orderPlacedAt totalWithTax
      discounts {{ adjustmentSource amountWithTax }}
      lines {{ id quantity orderPlacedQuantity proratedUnitPriceWithTax }}
      payments {{
        amount state
        refunds {{ id state total createdAt reason lines {{ orderLineId quantity }} }}
      }}
    }}
  }}
}}
"""

#: Refunds of orders, for one order and for the proof.
REFUNDS: Final = f"""
query Refunds($options: OrderListOptions) {{
  {_SHOP}
  orders(options: $options) {{
    items {{
      id code currencyCode orderPlacedAt updatedAt
      payments {{ id method amount state refunds {{ {_REFUND} }} }}
    }}
  }}
}}
"""

FULFILMENTS: Final = f"query Fulfilments($id: ID!) {{ order(id: $id) {{ id fulfillments {{ {_FULFILMENT} }} }} }}"

FULFIL: Final = f"""
mutation Fulfil($input: FulfillOrderInput!) {{
  addFulfillmentToOrder(input: $input) {{ __typename ... on Fulfillment {{ {_FULFILMENT} }} {_ERROR} }}
}}
"""

MOVE_FULFILMENT: Final = f"""
mutation MoveFulfilment($id: ID!, $state: String!) {{
  transitionFulfillmentToState(id: $id, state: $state) {{
    __typename
    ... on Fulfillment {{ {_FULFILMENT} }}
    ... on FulfillmentStateTransitionError {{ errorCode message transitionError }}
  }}
}}
"""

MOVE_ORDER: Final = """
mutation MoveOrder($id: ID!, $state: String!) {
  transitionOrderToState(id: $id, state: $state) {
    __typename
    ... on Order { id state }
    ... on OrderStateTransitionError { errorCode message transitionError }
  }
}
"""

CANCEL: Final = f"""
mutation Cancel($input: CancelOrderInput!) {{
  cancelOrder(input: $input) {{ __typename ... on Order {{ id state }} {_ERROR} }}
}}
"""

NOTES: Final = f"query Notes($id: ID!) {{ order(id: $id) {{ id {_NOTES} }} }}"

ADD_NOTE: Final = (
    f"mutation AddNote($input: AddNoteToOrderInput!) {{ addNoteToOrder(input: $input) {{ id {_NOTES} }} }}"
)

CHANGE_NOTE: Final = "mutation ChangeNote($input: UpdateOrderNoteInput!) { updateOrderNote(input: $input) { id } }"

REFUND: Final = f"""
mutation Refund($input: RefundOrderInput!) {{
  refundOrder(input: $input) {{ __typename ... on Refund {{ {_REFUND} }} {_ERROR} }}
}}
"""

_VARIANT: Final = "id sku trackInventory stockLevels { stockLocationId stockOnHand stockAllocated }"

STOCK: Final = f"""
query Stock($options: ProductVariantListOptions) {{
  productVariants(options: $options) {{ items {{ {_VARIANT} }} }}
}}
"""

SET_STOCK: Final = f"""
mutation SetStock($input: [UpdateProductVariantInput!]!) {{ updateProductVariants(input: $input) {{ {_VARIANT} }} }}
"""

LOCATIONS: Final = "query Locations { stockLocations(options: {take: 100, sort: {id: ASC}}) { items { id name } } }"

LOGIN: Final = f"""
mutation Login($username: String!, $password: String!) {{
  login(username: $username, password: $password) {{ __typename {_ERROR} }}
}}
"""

WHO: Final = """
query Who {
  me { identifier channels { code permissions } }
  activeChannel { code defaultCurrencyCode pricesIncludeTax }
}
"""

HANDLERS: Final = "query Handlers { fulfillmentHandlers { code } }"

WINDOW: Final = "query Window($options: OrderListOptions) { orders(options: $options) { totalItems } }"
