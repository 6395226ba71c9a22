# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a bag's messages look like: from the definitions in it, and from ROS's own where it holds none."""

from rosbags.interfaces import MessageDefinition, MessageDefinitionFormat
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

_STANDARD = get_typestore(Stores.LATEST)
# Between the parts of a definition in IDL, as rosbag2 writes it.
_IDL_RULE = '=' * 80 + '\n'


class Definitions:
    """A type store that grows with the topics of one bag; the bag's own definition of a type comes first."""

    def __init__(self) -> None:
        """Know no type yet."""
        self.store: Typestore = get_typestore(Stores.EMPTY)

    def learn(self, msgtype: str, definition: MessageDefinition) -> str:
        """Learn `msgtype` and what it is made of; return an empty text, or why its messages cannot be read."""
        try:
            types = _parse(msgtype, definition)
        except Exception as error:  # noqa: BLE001  rosbags' grammar raises more than its own errors on a broken text.
            return f'its definition of {msgtype} cannot be read ({_line(error)})'
        self.store.register({name: fields for name, fields in types.items() if name not in self.store.fielddefs})
        if msgtype in self.store.fielddefs:
            return ''
        if msgtype not in _STANDARD.fielddefs:
            return f'it holds no definition of {msgtype}, which is none of ROS\'s own types'
        self.store.register({
            name: fields for name, fields in _STANDARD.fielddefs.items() if name not in self.store.fielddefs})
        return ''


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


def _line(error: Exception) -> str:
    return ' '.join(str(error).split())[:120] or type(error).__name__
