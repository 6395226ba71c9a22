# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the package's files lie, how YAML that a person wrote is read, how a file is written whole."""

import json
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from crossmodal_kd_ros.errors import ConfigurationError

_NAME = 'crossmodal_kd_ros'
Model = TypeVar('Model', bound=BaseModel)


def share_dir() -> Path:
    """Return the folder that holds `config`, `launch` and `models`.

    The code's own place decides, not the ament index, so that it is found under colcon, pip and
    neither of them, and so that two installations on one machine never mix.

    Raises:
        FileNotFoundError: the code was copied without them.
    """
    package = Path(__file__).resolve().parent
    if (package.parent / 'package.xml').is_file():
        return package.parent
    for prefix in package.parents:
        if (prefix / 'share' / _NAME / 'package.xml').is_file():
            return prefix / 'share' / _NAME
    raise FileNotFoundError(
        f'expected share/{_NAME} above {package}, found none: '
        'install the package with pip or colcon'
    )


def shipped_file(folder: str, name: str, error: type[ConfigurationError]) -> Path:
    """Return `name` itself if it ends in .yaml or .yml, else `config/<folder>/<name>.yaml`.

    Raises:
        ConfigurationError: of the class `error`; nothing of this name is shipped.
    """
    if name.endswith(('.yaml', '.yml')):
        return Path(name)
    shipped = share_dir() / 'config' / folder
    path = shipped / f'{name}.yaml'
    if not path.is_file():
        known = ', '.join(sorted(path.stem for path in shipped.glob('*.yaml')))
        raise error(f'expected one of {known}, or a .yaml file, got {name!r}')
    return path


def read_yaml(path: Path, model: type[Model], error: type[ConfigurationError]) -> Model:
    """Return what a YAML file says, validated by `model`.

    Raises:
        ConfigurationError: of the class `error`; its text has one line for each thing that is
            wrong.
    """
    try:
        content = yaml.load(path.read_text(encoding='utf-8-sig'), _UniqueKeyLoader)
        return model.model_validate({} if content is None else content)
    except OSError as problem:
        raise error(f'cannot read {path}: {problem.strerror}') from problem
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise error(f'{path} is not YAML: {" ".join(str(problem).split())}') from problem
    except ValidationError as problem:
        raise error('\n'.join(f'{path}: {line}' for line in sentences(problem))) from problem


def sentences(problem: ValidationError) -> list[str]:
    """Return one sentence for each thing that is wrong: where, what was expected, what came."""
    return [_sentence(detail) for detail in problem.errors(include_url=False)]


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, which is there whole or not at all; make its folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + '.part')
    unfinished.write_text(text, encoding='utf-8')
    unfinished.replace(path)


def write_json(path: Path, content: Any, *, indent: int | None = 2) -> None:
    """Write `content` as JSON to `path`, which is there whole or not at all; NaN is refused."""
    write_text(path, json.dumps(content, indent=indent, allow_nan=False) + '\n')


class _UniqueKeyLoader(yaml.SafeLoader):
    """SafeLoader, but a key that stands twice is an error: the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for (key_node, _), key in zip(node.value, keys):
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f'expected {key!r} once, found it twice', key_node.start_mark
                )
        return super().construct_mapping(node, deep)


def _sentence(detail: dict[str, Any]) -> str:
    where = '.'.join(str(part) for part in detail['loc'])
    what, came = detail['msg'], detail['input']
    if detail['type'] == 'value_error':  # our own: it says what came
        what, came = str(detail['ctx']['error']), None
    elif detail['type'] == 'extra_forbidden':
        what, came = 'this key is not known: check its spelling, or leave it out', None
    elif detail['type'] == 'missing':
        what, came = 'this key is missing', None
    got = '' if came is None else f', got {_short(came)}'
    return f'{where}: {what}{got}' if where else f'{what}{got}'


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'
