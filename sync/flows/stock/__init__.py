"""The stock flow: from what the ERP has and what orders take to what a shop shows."""
