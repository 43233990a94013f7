"""The one exception of this package, and what the operating system refuses in its words."""

from __future__ import annotations

import errno


class StackError(Exception):
    """Something that the user can put right; `fix` says how (None when the message says it all)."""

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


_FIXES = {
    errno.EROFS: "this file system is read-only: the bundle needs a directory that it can write to",
    errno.EACCES: "this user may not write there: change the owner or the rights, or take another directory",
    errno.EPERM: "this user may not change that: change its owner, or run as its owner",
    errno.ENOSPC: "the disk is full: make room, then try again",
    errno.EDQUOT: "the quota of this user is used up: make room, then try again",
    errno.ENOENT: "it is missing: put it back, or correct its path in .env",
    errno.ENOTDIR: "a file is in the place of a directory: move it away, then try again",
    errno.EEXIST: "a file is in the place of a directory: move it away, then try again",
    errno.EISDIR: "a directory is in the place of a file: move it away, then try again",
}


def of_the_system(error: OSError) -> StackError:
    """What the system refused, with the path and what to do about it."""
    words = error.strerror or str(error)
    place = f"{error.filename}: " if error.filename else ""
    return StackError(f"{place}{words}", _FIXES.get(error.errno or 0))
