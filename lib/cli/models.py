"""The models there are: the local ones, and the living catalogue."""

from __future__ import annotations

import argparse

from lib.cli.command import Command
from lib.cli.exit_codes import DONE
from lib.cli.words import add_json, json_text, say
from lib.domain.model import Model
from lib.domain.plan import MEGABYTE
from lib.services import Services


def list_models(services: Services, options: argparse.Namespace) -> int:
    catalogue = services.catalogue()
    models = (*services.local_models(), *catalogue.models)
    if catalogue.problem:
        say(catalogue.problem)
    if options.json:
        print(json_text([_model_record(model) for model in models]))
    else:
        for model in models:
            senses = " and ".join(word for word, has in (("sees", model.sees), ("hears", model.hears)) if has)
            print(f"{model.id:45}  {senses:14}  {_price(model)}")
    return DONE


def _price(model: Model) -> str:
    if model.is_local:
        return "free and private"
    if model.price is None:
        return "price unknown"
    return "free" if model.is_free else f"${model.price.prompt * MEGABYTE:.2f} per million prompt tokens"


def _model_record(model: Model) -> dict[str, object]:
    price = model.price
    return {
        "id": model.id,
        "name": model.name,
        "local": model.is_local,
        "sees": model.sees,
        "hears": model.hears,
        "context_tokens": model.context_tokens,
        "max_output_tokens": model.max_output_tokens,
        "prompt_usd_per_token": None if price is None else float(price.prompt),
        "completion_usd_per_token": None if price is None else float(price.completion),
        "free": model.is_free,
        "expires": model.expires and model.expires.isoformat(),
        "description": model.description,
    }


MODELS = Command("models", "the local models and the living catalogue", list_models, add_json)
