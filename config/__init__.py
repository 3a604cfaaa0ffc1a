"""What an installation is told: the environment of its processes and the YAML of its configuration folder."""
