# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How each storage of a bag gets what was written onto the disk while it is still being written.

rosbags gathers a megabyte of an MCAP file in memory, and a whole SQLite recording in one
transaction: of a process that is killed nothing else would be left.
"""

import os
import sqlite3
from contextlib import suppress
from typing import Protocol

from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2.storage_mcap import McapWriter
from rosbags.rosbag2.storage_sqlite3 import Sqlite3Writer


class Storage(Protocol):
    """The file of a bag that is being written."""

    def secure(self) -> None:
        """Put what was written onto the disk; a reader finds it there whatever comes.

        Raises:
            OSError, sqlite3.Error: it cannot be written.
        """

    def finish(self) -> None:
        """Prepare the file, all of which is secured, for rosbags to close it."""

    def cut(self) -> None:
        """Close the file as it was when it was last secured."""


class McapStorage:
    """An MCAP file: secured by the end of a chunk. A file that lacks its index can be read."""

    def __init__(self, writer: McapWriter) -> None:
        """Take over what `writer` has opened."""
        self._writer, self._secured_bytes = writer, 0

    def secure(self) -> None:
        """See `Storage`."""
        file = self._writer.bio
        if self._writer.chunk.msgs:
            self._writer.close_chunk()
        file.flush()
        os.fsync(file.fileno())
        self._secured_bytes = file.tell()

    def finish(self) -> None:
        """See `Storage`."""

    def cut(self) -> None:
        """See `Storage`."""
        # By the open file: at its path there may be another one by now.
        descriptor = os.dup(self._writer.bio.fileno())
        try:
            # What did not fit is still in the file's buffer, and does not fit now either.
            with suppress(OSError):
                self._writer.bio.close()
            os.ftruncate(descriptor, self._secured_bytes)
        finally:
            os.close(descriptor)


class SqliteStorage:
    """A SQLite file: secured by a commit.

    The write-ahead log makes a commit whole or nothing, whenever the process is killed, and lets
    others read meanwhile. It costs that everything is written twice. What is in the log gets into
    the file at once, for readers that do not look into the log.
    """

    def __init__(self, writer: Sqlite3Writer) -> None:
        """Take over what `writer` has opened."""
        self._database = writer.conn
        self._database.execute('PRAGMA journal_mode=WAL')
        self._database.execute('PRAGMA wal_autocheckpoint=0')

    def secure(self) -> None:
        """See `Storage`."""
        self._database.commit()
        # Where the disk is full it is in the log all the same.
        with suppress(sqlite3.OperationalError):
            self._database.execute('PRAGMA wal_checkpoint(PASSIVE)').fetchall()

    def finish(self) -> None:
        """Give up the log: a whole bag is one file, also on a medium that cannot be written."""
        # Busy where somebody reads the file just now: then the log stays, and is empty.
        with suppress(sqlite3.OperationalError):
            self._database.execute('PRAGMA journal_mode=DELETE')

    def cut(self) -> None:
        """See `Storage`."""
        with suppress(sqlite3.Error):
            self._database.rollback()
        with suppress(sqlite3.Error):
            self._database.close()


STORAGES = {
    'mcap': (StoragePlugin.MCAP, McapStorage),
    'sqlite3': (StoragePlugin.SQLITE3, SqliteStorage),
}
