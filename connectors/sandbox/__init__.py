"""Stateful stand-ins for vendors' APIs with fault injection: for the demo, the tests and users' own CI."""
