# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd profile`."""

import click


@click.group()
def command() -> None:
    """Check what a robot has, or print the schema of such a file."""


@command.command()
@click.argument('profile', metavar='NAME|FILE')
def check(profile: str) -> None:
    """Say whether a profile can be used: one line for each thing that is wrong.

    Ends with 0 if it can, with 1 if it cannot.
    """
    from crossmodal_kd_ros.profile import ProfileError, load_profile

    try:
        loaded = load_profile(profile)
    except ProfileError as error:
        click.echo(str(error))
        raise SystemExit(1) from None
    click.echo(
        f'{profile}: ok: {loaded.name}, senses {", ".join(loaded.senses)}, '
        f'{len(loaded.actions)} actions'
    )


@command.command()
def schema() -> None:
    """Print the JSON schema of profiles, for editors and other tools."""
    from crossmodal_kd_ros.profile import schema_text

    click.echo(schema_text(), nl=False)
