"""Asks docs/examples/reading/reading.py the questions of reading_test.go and prints its answers as JSON."""
import json
import sys

import boto3

from reading import Directory

q = json.loads(sys.argv[1])
d = Directory(boto3.resource("dynamodb"), q["table"])


def value(row, name):
    return row[name] if row else None


print(json.dumps({"with": "boto3", "answers": {
    "user": value(d.user(q["user"]), "first_name"),
    "gone": value(d.user(q["gone"]), "first_name"),
    "byEmail": value(d.user_by_email(q["email"]), "id"),
    "bySlug": value(d.organization_by_slug(q["slug"]), "id"),
    "members": [f"{value(user, 'first_name')} {membership['role']}" for membership, user in d.members(q["org"])],
    "memberships": [f"{m['org_id']} {m['role']}" for m in d.memberships(q["user"])],
    "allowed": d.authorize(q["user"], q["org"], q["permission"]),
    "forbidden": d.authorize(q["user"], q["org"], "org:none"),
    "stranger": d.authorize(q["gone"], q["org"], q["permission"]),
}}))
