# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Writes `config/*.yaml` and `docs/parameters.md`.

    python -m crossmodal_kd_ros.cli.parameter_files

Both follow from the parameters that the nodes declare under the default profile.
"""

from collections.abc import Sequence
from textwrap import wrap

import yaml

from crossmodal_kd_ros.files import share_dir, write_text
from crossmodal_kd_ros.gazebo import senses_node
from crossmodal_kd_ros.nodes import maintenance_node, mission_node, simulator_node
from crossmodal_kd_ros.nodes.parameters import AUTOSTART, QOS_POLICIES, Parameter
from crossmodal_kd_ros.profile import load_profile

NODES = {
    'maintenance_node': (*maintenance_node.parameters(load_profile()), AUTOSTART),
    'mission_node': (*mission_node.PARAMETERS, AUTOSTART),
    'simulator_node': (*simulator_node.PARAMETERS, AUTOSTART),
    'gazebo_senses_node': (*senses_node.PARAMETERS, AUTOSTART),
}
# File in config/: the launch file that takes it, and the nodes in it.
CONFIGS = {
    'robot.yaml': ('robot.launch.py', ('maintenance_node',)),
    'sim.yaml': ('sim.launch.py', ('simulator_node', 'maintenance_node')),
    'mission.yaml': ('mission.launch.py', ('mission_node', 'maintenance_node')),
    'gazebo.yaml': ('gazebo.launch.py', ('gazebo_senses_node', 'maintenance_node')),
}
_WIDTH = 114
_PAGE = """# Parameters

Every parameter of every node. This page, and `robot.yaml`, `sim.yaml`, `mission.yaml` and `gazebo.yaml` in `config/`, are
written by `python -m crossmodal_kd_ros.cli.parameter_files` from the parameters that the nodes declare and check.

- Give them in a file: copy `config/robot.yaml`, change what you need, and start with `params_file:=my_robot.yaml`.
- A node refuses to start with an unknown name or a value that is not allowed, and says which ones there are. A decimal
  number needs its point: `2.0`, not `2`.
- A file may serve several nodes. An unknown name under `/**:` is taken for a parameter of another node, with a warning that
  also says which of this node's is nearest. Under the node's own name, and by `-p`, it ends the node.
- What is under `maintenance_node:` reaches the node in no namespace alone; under `/**/maintenance_node:` it does in any. A
  node warns of a file of which nothing reaches it.
- ROS merges what is given for the same name of nodes and puts it where that name came first; `-p` is given for `/**`. So where
  a file has `/**:` first and `/**/maintenance_node:` after it, what it says under the second beats a later `-p`. A node warns
  of that.
- *Changes* says when a new value counts: `at start` of the process; `at configure`, so that a node in use refuses it;
  or `at once`, by `ros2 param set`.
- `maintenance_node` has one `<sensor>_timeout_s` for each sensor of its `profile`. The table shows those of
  `living_wall`; under another profile the names and the defaults are those of its own sensors. In the files in
  `config/` they are comments.
- ROS's own `use_sim_time` takes the time from `/clock`; while there is none the robot holds
  ([launch.md](launch.md#the-time-of-a-simulation)).

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
        f'# Every parameter of {" and ".join(nodes)}, with its default. Copy this file, change '
        'the copy, and start with it:\n'
        f'#   ros2 launch crossmodal_kd_ros {launch_file} params_file:=my_{name}\n'
    )
    return head + '\n'.join(
        f'/**/{node}:\n  ros__parameters:\n' + ''.join(map(_entry, NODES[node])) for node in nodes
    )


def _entry(parameter: Parameter) -> str:
    limits = '' if parameter.min is None else f' From {_range(parameter)}.'
    comment = wrap(
        parameter.description + limits, _WIDTH, initial_indent='    # ', subsequent_indent='    # '
    )
    # What follows from the profile must not override that of another one.
    mark = '# ' * parameter.from_profile
    return '\n'.join([*comment, f'    {mark}{parameter.name}: {_literal(parameter)}', ''])


def _page() -> str:
    parts = [
        f'## {node}\n\n{_table(parameters, "Parameter")}\n' for node, parameters in NODES.items()
    ]
    return _PAGE + ''.join(parts) + _QOS + _table(QOS_POLICIES, 'Policy', with_default=False)


def _table(parameters: Sequence[Parameter], first: str, *, with_default: bool = True) -> str:
    rows = [
        [
            f'`{parameter.name}`',
            _allowed(parameter),
            *([f'`{_literal(parameter)}`', parameter.changes] if with_default else []),
            parameter.description,
        ]
        for parameter in parameters
    ]
    head = [first, 'Values', *(['Default', 'Changes'] if with_default else []), 'What it does']
    return ''.join(f'| {" | ".join(row)} |\n' for row in [head, ['---'] * len(head), *rows])


def _allowed(parameter: Parameter) -> str:
    if parameter.choices:
        return ', '.join(f'`{choice}`' for choice in parameter.choices)
    kind = {bool: 'true or false', int: 'whole number', float: 'decimal number', str: 'text'}[
        type(parameter.default)
    ]
    return kind if parameter.min is None else f'{kind}, {_range(parameter)}'


def _range(parameter: Parameter) -> str:
    return f'{parameter.min} to {parameter.max} {parameter.unit}'.rstrip()


def _literal(parameter: Parameter) -> str:
    return yaml.safe_dump(parameter.default, default_flow_style=True).splitlines()[0]


def main() -> None:
    """Write the files into the checkout."""
    for name, text in texts().items():
        write_text(share_dir() / name, text)


if __name__ == '__main__':
    main()
