# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Message definitions: of a bag, of ROS itself, and of installed packages."""

import os
import re
from pathlib import Path

from rosbags.interfaces import MessageDefinition, MessageDefinitionFormat
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

_STANDARD = get_typestore(Stores.LATEST)
# Between the parts of a definition in IDL, as rosbag2 writes it.
_IDL_RULE = '=' * 80 + '\n'
_TYPE_NAME = re.compile(r'\w+/msg/\w+')


class Definitions:
    """A type store of the topics of one bag; the bag's own definition of a type comes first."""

    def __init__(self) -> None:
        """Start without types."""
        self.store: Typestore = get_typestore(Stores.EMPTY)

    def register(self, msgtype: str, definition: MessageDefinition) -> str:
        """Register `msgtype` and its parts; return why it cannot be read, or an empty text."""
        try:
            types = _parse(msgtype, definition)
        # rosbags' grammar raises more than its own errors on a broken text.
        except Exception as error:  # noqa: BLE001
            return f'its definition of {msgtype} cannot be read ({one_line(error, 120)})'
        self.store.register(
            {name: fields for name, fields in types.items() if name not in self.store.fielddefs}
        )
        if msgtype in self.store.fielddefs:
            return ''
        if msgtype not in _STANDARD.fielddefs:
            return f"it holds no definition of {msgtype}, which is none of ROS's own types"
        self.store.register(
            {
                name: fields
                for name, fields in _STANDARD.fielddefs.items()
                if name not in self.store.fielddefs
            }
        )
        return ''


def writing_store(msgtype: str) -> Typestore:
    """Return a type store that knows `msgtype`: one of ROS's own, or of an installed package.

    Raises:
        ValueError: it is neither.
    """
    if msgtype in _STANDARD.fielddefs:
        return _STANDARD
    store = get_typestore(Stores.LATEST)
    wanted = [msgtype]
    while wanted:
        name = wanted.pop()
        types = get_types_from_msg(_installed(name), name)
        store.register(
            {known: fields for known, fields in types.items() if known not in store.fielddefs}
        )
        # A field of a type from elsewhere names it in the second place of its description, an
        # array of it one deeper.
        parts = (str(fields) for _, fields in types.values())
        wanted += [
            other for other in _named_types(' '.join(parts)) if other not in store.fielddefs
        ]
    return store


def _installed(msgtype: str) -> str:
    package, _, name = msgtype.partition('/msg/')
    for prefix in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep):
        path = Path(prefix, 'share', package, 'msg', f'{name}.msg')
        if prefix and path.is_file():
            return path.read_text(encoding='utf-8')
    raise ValueError(
        f"expected {msgtype} among ROS's own types or under AMENT_PREFIX_PATH, found it in neither"
    )


def _named_types(text: str) -> set[str]:
    return set(_TYPE_NAME.findall(text))


def _parse(msgtype: str, definition: MessageDefinition) -> dict:
    if definition.format is MessageDefinitionFormat.MSG and definition.data:
        return get_types_from_msg(definition.data, msgtype)
    if definition.format is not MessageDefinitionFormat.IDL:
        return {}
    if not definition.data.startswith(f'{_IDL_RULE}IDL: '):
        return get_types_from_idl(definition.data)
    types: dict = {}
    for part in definition.data.split(_IDL_RULE)[1:]:
        types.update(get_types_from_idl(part.partition('\n')[2]))
    return types


def one_line(error: BaseException, max_length: int | None = None) -> str:
    """Return what an error says, in one line; its type where it says nothing."""
    return ' '.join(str(error).split())[:max_length] or type(error).__name__
