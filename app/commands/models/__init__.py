"""`sllm models`: what there is, fetched, looked at, checked and removed."""

from app.commands.explained import Commands
from app.commands.models.check import check
from app.commands.models.info import info
from app.commands.models.listing import list_models
from app.commands.models.pull import pull
from app.commands.models.remove import remove
from app.commands.words import say

cli = Commands(help=say("help_models"))
cli.command("list", help=say("help_models_list"))(list_models)
cli.command(help=say("help_models_pull"))(pull)
cli.command(help=say("help_models_info"))(info)
cli.command(help=say("help_models_check"))(check)
cli.command(help=say("help_models_remove"))(remove)
