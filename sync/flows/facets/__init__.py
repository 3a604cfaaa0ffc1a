"""What hangs on an order that the ERP has: edits, refunds, payments, parcels, invoices, states; both directions."""
