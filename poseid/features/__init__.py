"""Feature folders: reading, checking, writing, splitting by people, and made-up data. numpy only."""

from poseid.features.folder import read_folder, write_folder

__all__ = ["read_folder", "write_folder"]
