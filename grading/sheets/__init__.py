"""The sheets: what each asks, declared. One module per sheet, with a function `sheet(variant) -> Sheet`."""

from grading.sheets.sheet import Prose, Sheet, SheetError, Variant, load_sheet

__all__ = ["Prose", "Sheet", "SheetError", "Variant", "load_sheet"]
