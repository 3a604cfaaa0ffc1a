"""The flow that tells a CRM of customers, and what notes whose order it was."""
