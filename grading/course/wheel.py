"""A wheel, or any archive, with the same bytes each time: https://packaging.python.org/specifications/binary-distribution-format/"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import zipfile
from collections.abc import Mapping
from io import BytesIO

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest time that an archive can say
_KEPT_EXTRAS = ("witness",)  # what a student's package may be installed with

Files = Mapping[str, bytes]


def archive(files: Files) -> bytes:
    """A ZIP archive of files by their path, which tells nothing of when and where it was made."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, _LONG_AGO)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16  # a plain file that anybody may read
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, files[path])
    return out.getvalue()


def wheel(files: Files, summary: str) -> tuple[str, bytes]:
    """The students' `gradsheet` made of these modules: the name of its file, and the file.

    Its version is that of the package that makes it, with a digest of the contents behind it, so that pip takes it for
    another one as soon as anything in it has changed.
    """
    version = f"{importlib.metadata.version('gradsheet').partition('+')[0]}+{_digest(files)}"
    folder = f"gradsheet-{version}.dist-info"
    told = {
        f"{folder}/METADATA": _metadata(version, summary),
        f"{folder}/WHEEL": "Wheel-Version: 1.0\nGenerator: gradsheet\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{folder}/licenses/LICENSE": importlib.metadata.distribution("gradsheet").read_text("licenses/LICENSE") or "",
        f"{folder}/entry_points.txt": "[console_scripts]\ngradsheet = grading.cli:main\n",
    }
    contents = {**files, **{path: text.encode() for path, text in told.items()}}
    record = "".join(f"{path},sha256={_hash(contents[path])},{len(contents[path])}\n" for path in sorted(contents))
    contents[f"{folder}/RECORD"] = f"{record}{folder}/RECORD,,\n".encode()
    return f"gradsheet-{version}-py3-none-any.whl", archive(contents)


def _metadata(version: str, summary: str) -> str:
    needed = [line for line in importlib.metadata.requires("gradsheet") or () if _is_kept(line)]
    lines = ["Metadata-Version: 2.1", "Name: gradsheet", f"Version: {version}", f"Summary: {summary}"]
    lines += [f"Requires-Python: {importlib.metadata.metadata('gradsheet')['Requires-Python']}"]
    lines += [f"Provides-Extra: {extra}" for extra in _KEPT_EXTRAS]
    return "\n".join([*lines, *(f"Requires-Dist: {line}" for line in needed)]) + "\n"


def _is_kept(requirement: str) -> bool:
    marker = requirement.partition(";")[2]
    return "extra" not in marker or any(extra in marker for extra in _KEPT_EXTRAS)


def _digest(files: Files) -> str:
    told = hashlib.sha256()
    for path in sorted(files):
        told.update(f"{path}\0{_hash(files[path])}\0".encode())
    return f"sheets.{told.hexdigest()[:12]}"


def _hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
