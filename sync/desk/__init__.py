"""What people see of the work: outcomes, issues, proof, reports."""
