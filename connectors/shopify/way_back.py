"""What is sent to Shopify on the way back, word for word, and what is read for it."""

from __future__ import annotations

from typing import Final

#: Everything of ours at an order lies in this namespace.
NAMESPACE: Final = "crossdock"

_PARCEL: Final = """
fragment Parcel on Fulfillment {
  id status createdAt name
  trackingInfo { company number url }
  fulfillmentLineItems(first: 100) { nodes { lineItem { id } quantity } pageInfo { hasNextPage } }
}
"""

#: What stands on an order, and what we have announced there.
PARCELS: Final = f"""{_PARCEL}
query Parcels($id: ID!) {{
  order(id: $id) {{
    id
    fulfillments(first: 100) {{ ...Parcel }}
    announced: metafield(namespace: "{NAMESPACE}", key: "fulfillments") {{ jsonValue }}
  }}
}}
"""

#: What is still to be sent, from where. Its ids change whenever somebody moves or divides it: never kept.
TO_SEND: Final = """
query ToSend($id: ID!) {
  order(id: $id) {
    id
    fulfillmentOrders(first: 50) {
      nodes {
        id status
        assignedLocation { location { id } }
        lineItems(first: 50) { nodes { id remainingQuantity lineItem { id } } pageInfo { hasNextPage } }
      }
      pageInfo { hasNextPage }
    }
  }
}
"""

FULFIL: Final = f"""{_PARCEL}
mutation Fulfil($fulfillment: FulfillmentInput!) {{
  fulfillmentCreate(fulfillment: $fulfillment) {{
    fulfillment {{ ...Parcel }}
    userErrors {{ field message }}
  }}
}}
"""

TRACK: Final = f"""{_PARCEL}
mutation Track($id: ID!, $tracking: FulfillmentTrackingInput!, $notify: Boolean) {{
  fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $tracking, notifyCustomer: $notify) {{
    fulfillment {{ ...Parcel }}
    userErrors {{ field message }}
  }}
}}
"""

#: Absolute values; tags are added, for a list of them would take the place of all that are there.
SET: Final = """
mutation Set($metafields: [MetafieldsSetInput!]!) {
  metafieldsSet(metafields: $metafields) {
    metafields { key }
    userErrors { field message code }
  }
}
"""

TAG: Final = """
mutation Tag($id: ID!, $tags: [String!]!) {
  tagsAdd(id: $id, tags: $tags) {
    node { id }
    userErrors { field message }
  }
}
"""

CLOSE: Final = """
mutation Close($id: ID!) {
  orderClose(input: {id: $id}) {
    order { id closedAt }
    userErrors { field message }
  }
}
"""

#: Without `refundMethod`: no money moves.
CANCEL: Final = """
mutation Cancel($id: ID!, $note: String) {
  orderCancel(orderId: $id, reason: OTHER, restock: true, notifyCustomer: false, staffNote: $note) {
    job { id done }
    orderCancelUserErrors { field message code }
  }
}
"""

LOCATIONS: Final = """
query Locations($after: String) {
  locations(first: 100, after: $after) {
    nodes { id name isActive }
    pageInfo { hasNextPage endCursor }
  }
}
"""

#: The search takes words apart and finds beginnings too: what comes is compared.
STOCK: Final = """
query Stock($query: String!, $after: String) {
  productVariants(first: 50, after: $after, query: $query) {
    nodes {
      id sku inventoryPolicy
      product { id }
      inventoryItem {
        id tracked
        inventoryLevels(first: 20) {
          nodes { location { id } quantities(names: ["available"]) { name quantity } }
          pageInfo { hasNextPage }
        }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

#: The directive is demanded since 2026-04, and only at the field itself.
SET_STOCK: Final = """
mutation SetStock($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id }
    userErrors { field message code }
  }
}
"""

ALL: Final = (PARCELS, TO_SEND, FULFIL, TRACK, SET, TAG, CLOSE, CANCEL, LOCATIONS, STOCK, SET_STOCK)
