"""What hangs on an order that the ERP has: edits, refunds, payments, parcels, invoices and states, in both directions."""
