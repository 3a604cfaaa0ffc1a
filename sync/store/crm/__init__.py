"""The customers of a CRM: who they are, what they bought, and what their accounts were told."""
