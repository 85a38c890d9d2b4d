"""Stands in the place of a package that must not be used while a notebook is marked."""

raise ModuleNotFoundError(f"{__name__} is not there while a notebook is marked; answer without it", name=__name__)
