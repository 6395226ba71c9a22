# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Writes `config/*.yaml` and `docs/parameters.md` from the nodes' settings: python -m crossmodal_kd_ros.nodes.parameter_files."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

import yaml

from crossmodal_kd_ros.files import share_dir
from crossmodal_kd_ros.gazebo import senses_node
from crossmodal_kd_ros.nodes import maintenance_node, simulator_node
from crossmodal_kd_ros.nodes.parameters import AUTOSTART, QOS_POLICIES, Setting

NODES = {
    'maintenance_node': (*maintenance_node.SETTINGS, AUTOSTART),
    'simulator_node': (*simulator_node.SETTINGS, AUTOSTART),
    'gazebo_senses_node': (*senses_node.SETTINGS, AUTOSTART),
}
# File in config/: the launch file that takes it, and the nodes in it.
CONFIGS = {
    'robot.yaml': ('robot.launch.py', ('maintenance_node',)),
    'sim.yaml': ('sim.launch.py', ('simulator_node', 'maintenance_node')),
    'gazebo.yaml': ('gazebo.launch.py', ('gazebo_senses_node', 'maintenance_node')),
}
_WIDTH = 114
_PAGE = """# Parameters

Every parameter of every node. This page and the files in `config/` are written by
`python -m crossmodal_kd_ros.nodes.parameter_files` from the settings that the nodes declare and check.

- Give them in a file: copy `config/robot.yaml`, change what you need, and start with `params_file:=my_robot.yaml`.
- A node refuses to start with an unknown name or a value that is not allowed, and says which ones there are. A decimal
  number needs its point: `2.0`, not `2`.
- *Changes* says when a new value counts: `at configure`, so that a node in use refuses it; or `at once`, by
  `ros2 param set`.
- ROS's own `use_sim_time` takes the time from `/clock`.

"""
_QOS = """## Quality of service

Each topic's quality of service can be overridden, by the whole name of the topic, and of what the node is on it. For a
camera in the namespace `left` whose messages must not get lost:

```yaml
/**/maintenance_node:
  ros__parameters:
    qos_overrides:
      /left/camera/image_raw:
        subscription:
          reliability: reliable
```

A publisher and a subscriber that do not agree exchange nothing; the node then says which of the two to change.

"""


def texts() -> dict[str, str]:
    """Return the text of every file, by its path in the repository."""
    configs = {
        f'config/{name}': _config(name, launch_file, nodes)
        for name, (launch_file, nodes) in CONFIGS.items()
    }
    return {**configs, 'docs/parameters.md': _page()}


def _config(name: str, launch_file: str, nodes: Sequence[str]) -> str:
    head = (
        f'# Every parameter of {" and ".join(nodes)}, with its default. Copy this file, change the copy, and start with it:\n'
        f'#   ros2 launch crossmodal_kd_ros {launch_file} params_file:=my_{name}\n'
    )
    return head + '\n'.join(
        f'/**/{node}:\n  ros__parameters:\n' + ''.join(map(_entry, NODES[node])) for node in nodes
    )


def _entry(setting: Setting) -> str:
    limits = '' if setting.low is None else f' From {_range(setting)}.'
    comment = wrap(
        setting.description + limits, _WIDTH, initial_indent='    # ', subsequent_indent='    # '
    )
    return '\n'.join([*comment, f'    {setting.name}: {_literal(setting)}', ''])


def _page() -> str:
    parts = [f'## {node}\n\n{_table(settings, "Parameter")}\n' for node, settings in NODES.items()]
    return _PAGE + ''.join(parts) + _QOS + _table(QOS_POLICIES, 'Policy', with_default=False)


def _table(settings: Sequence[Setting], first: str, *, with_default: bool = True) -> str:
    rows = [
        [
            f'`{setting.name}`',
            _allowed(setting),
            *([f'`{_literal(setting)}`', _changes(setting)] if with_default else []),
            setting.description,
        ]
        for setting in settings
    ]
    head = [first, 'Values', *(['Default', 'Changes'] if with_default else []), 'What it does']
    return ''.join(f'| {" | ".join(row)} |\n' for row in [head, ['---'] * len(head), *rows])


def _allowed(setting: Setting) -> str:
    if setting.choices:
        return ', '.join(f'`{choice}`' for choice in setting.choices)
    kind = {bool: 'true or false', int: 'whole number', float: 'decimal number', str: 'text'}[
        type(setting.default)
    ]
    return kind if setting.low is None else f'{kind}, {_range(setting)}'


def _range(setting: Setting) -> str:
    return f'{setting.low} to {setting.high} {setting.unit}'.rstrip()


def _changes(setting: Setting) -> str:
    return 'at once' if setting.dynamic else 'at configure'


def _literal(setting: Setting) -> str:
    return yaml.safe_dump(setting.default, default_flow_style=True).splitlines()[0]


def main() -> None:
    """Write the files into the checkout."""
    for name, text in texts().items():
        path: Path = share_dir() / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == '__main__':
    main()
