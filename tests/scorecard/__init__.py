"""How good the connectors are, by the code and by what its tests have found: the pages that say it are made here."""
