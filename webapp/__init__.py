"""The web process. Nothing is imported here: gunicorn's first process needs its settings alone, not the application."""
