"""Prints what AWS's own schemas say that CloudFormation calls, on behalf of whoever deploys, for each type of resource in
template.yaml, as sam transforms it. cfn-lint carries the schemas:

    python handlers.py > handlers.json
"""

import json
import pathlib

import cfnlint

TYPES = """
AWS::ApiGatewayV2::Api AWS::ApiGatewayV2::Stage AWS::CloudWatch::Alarm AWS::CloudWatch::Dashboard AWS::DynamoDB::Table
AWS::Events::Rule AWS::IAM::ManagedPolicy AWS::IAM::Policy AWS::IAM::Role AWS::Lambda::EventSourceMapping AWS::Lambda::Function
AWS::Lambda::Permission AWS::Logs::LogGroup AWS::Logs::QueryDefinition AWS::SNS::Subscription AWS::SNS::Topic
AWS::SNS::TopicPolicy AWS::SQS::Queue AWS::SQS::QueuePolicy
"""

schemas = pathlib.Path(cfnlint.__file__).parent / "data" / "schemas"
files = json.loads((schemas / "providers" / "us-east-1.json").read_text())
actions = {}
for name in TYPES.split():
    handlers = json.loads((schemas / "resources" / (files[name] + ".json")).read_text())["handlers"]
    # A list handler answers ListResources of the Cloud Control API, which no deployment calls.
    called = (handlers[h]["permissions"] for h in ("create", "read", "update", "delete") if h in handlers)
    actions[name] = sorted({action for permissions in called for action in permissions})
print(json.dumps(actions, indent=2))
