"""Mapping profiles: rules in YAML over a base mapping, or instead of one, written by integrators.

profile = read_profile(text, "shop.yaml")           # ProfileError: all that is wrong, each with its place
mapping = profiled_source(SOURCES["woocommerce"], profile)
order = mapping.order(payload, SourceOptions(lookup=tables))
"""

from mappings.profiles.model import Profile
from mappings.profiles.reader import ProfileError, read_profile
from mappings.profiles.shop import profiled_shop
from mappings.profiles.source import profiled_source
from mappings.profiles.target import profiled_facets, profiled_target

__all__ = [
    "Profile",
    "ProfileError",
    "profiled_facets",
    "profiled_shop",
    "profiled_source",
    "profiled_target",
    "read_profile",
]
