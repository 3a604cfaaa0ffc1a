"""Mapping profiles: rules in YAML over a base mapping, or instead of one, written by integrators.

profile = read_profile(text, "shop.yaml")           # ProfileError: all that is wrong, each with its place
mapping = profiled_source(SOURCES["woocommerce"], profile)
order = mapping.order(payload, SourceOptions(lookup=tables))
"""

from mappings.profiles.model import Profile
from mappings.profiles.reader import ProfileError, read_profile
from mappings.profiles.source import profiled_source

__all__ = ["Profile", "ProfileError", "profiled_source", "read_profile"]
