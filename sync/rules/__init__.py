"""What is allowed: which systems a channel binds, status policy, look-ups, verify rules, comparison of both sides."""
