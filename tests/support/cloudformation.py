"""template.yaml as CloudFormation understands it: short forms, parameters, references, conditions."""

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
TENANT = ROOT / "fleet/tenant.yaml"
STACK, REGION, ACCOUNT = "device-id-certificate", "eu-west-1", "123456789012"
_PSEUDO = {
    "AWS::StackName": STACK,
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::NoValue": None,
}


class _Loader(yaml.SafeLoader):
    """Reads the short forms as the long ones."""


def _intrinsic(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise TypeError(node)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


@functools.cache
def read_template(path: Path = TEMPLATE) -> dict[str, Any]:
    """A template with its functions unresolved."""
    read: dict[str, Any] = yaml.load(path.read_text(), Loader=_Loader)  # noqa: S506 - a SafeLoader
    return read


class Stack:
    """The template with the values a stack gives it. A resource's name is its stack's and its logical id."""

    def __init__(
        self,
        parameters: Mapping[str, object] | None = None,
        *,
        partition: str = "aws",
        template: Path = TEMPLATE,
        exports: Mapping[str, str] | None = None,
    ) -> None:
        """`parameters`: those that differ from their defaults; `exports`: what other stacks export."""
        self.template, self._exports = read_template(template), exports or {}
        defaults = {name: given.get("Default", "") for name, given in self.template["Parameters"].items()}
        self._values: Mapping[str, object] = {**_PSEUDO, "AWS::Partition": partition, **defaults, **(parameters or {})}

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of every resource of one type that the stack makes, by logical id."""
        return {
            name: self.resolve(resource["Properties"])
            for name, resource in self.template["Resources"].items()
            if resource["Type"] == kind and self._holds(resource.get("Condition"))
        }

    def exports(self) -> dict[str, str]:
        """What other stacks may import."""
        outputs = self.outputs()
        return {
            self.resolve(output["Export"]["Name"]): outputs[name]
            for name, output in self.template["Outputs"].items()
            if "Export" in output and name in outputs
        }

    def outputs(self) -> dict[str, str]:
        """The values of the outputs that the stack has."""
        return {
            name: self.resolve(output["Value"])
            for name, output in self.template["Outputs"].items()
            if self._holds(output.get("Condition"))
        }

    def resolve(self, node: Any) -> Any:  # noqa: ANN401, C901, PLR0911, PLR0912 - whatever stands in YAML; a case per function
        """The value of a piece of the template."""
        match node:
            case {"Ref": name}:
                return self._ref(name)
            case {"Fn::ImportValue": name}:
                return self._exports[self.resolve(name)]
            case {"Fn::GetAtt": [name, attribute]}:
                return f"{self._ref(name)}.{attribute}"
            case {"Fn::Sub": [text, given]}:
                return self._sub(text, self.resolve(given))
            case {"Fn::Sub": text}:
                return self._sub(text, {})
            case {"Fn::If": [condition, yes, no]}:
                return self.resolve(yes if self._holds(condition) else no)
            case {"Fn::FindInMap": [mapping, first, second]}:
                return self.template["Mappings"][mapping][self.resolve(first)][self.resolve(second)]
            case {"Fn::Equals": [one, other]}:
                return self.resolve(one) == self.resolve(other)
            case {"Fn::Not": [condition]}:
                return not self.resolve(condition)
            case {"Fn::And": conditions}:
                return all(self.resolve(condition) for condition in conditions)
            case {"Condition": str() as name} if len(node) == 1:
                return self._holds(name)
            case {"Fn::Split": [separator, text]}:
                return self.resolve(text).split(separator)
            case dict():
                return {name: self.resolve(value) for name, value in node.items()}
            case list():
                return [self.resolve(value) for value in node]
            case _:
                return node

    def _holds(self, condition: str | None) -> bool:
        return condition is None or bool(self.resolve(self.template["Conditions"][condition]))

    def _ref(self, name: str) -> Any:  # noqa: ANN401 - a parameter's value
        if name in self._values:
            return self._values[name]
        return f"{STACK}-{name}" if name in self.template["Resources"] else self._unknown(name)

    def _sub(self, text: str, given: Mapping[str, object]) -> str:
        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name in given:
                return str(given[name])
            resource, dot, attribute = name.partition(".")
            return f"{self._ref(resource)}{dot}{attribute}"

        return re.sub(r"\$\{([^}]+)\}", value, text)

    @staticmethod
    def _unknown(name: str) -> str:
        raise KeyError(f"the template refers to {name}, which it does not have")
