"""The error catalogue: what each error means for people, under an id that never changes its meaning."""
