"""Reads the Directory table with boto3. docs/reading.md explains it; test/reading runs it."""
from boto3.dynamodb.conditions import Attr, Key


class Directory:
    def __init__(self, resource, table):
        """resource is boto3.resource("dynamodb")."""
        self.resource = resource
        self.table = resource.Table(table)

    def live(self, pk, sk):
        """A live row by its key. A tombstone counts as none: ask for deleted_at where the difference matters."""
        row = self.table.get_item(Key={"pk": pk, "sk": sk}, ConsistentRead=True).get("Item")
        return row if row and "deleted_at" not in row else None

    def user(self, user_id):
        return self.live(f"USER#{user_id}", "USER")

    def membership(self, user_id, org_id):
        return self.live(f"ORG#{org_id}", f"MEMBER#{user_id}")

    def user_by_email(self, address):
        folded = "".join(c.lower() if "A" <= c <= "Z" else c for c in address)  # lower() alone folds other letters too
        return self.find("by_email", folded)

    def organization_by_slug(self, slug):
        return self.find("by_slug", slug)

    def find(self, index, value):
        """The index gives keys and lags behind: each row is read by its key, and counts if it has the value now."""
        if not value:  # DynamoDB refuses an empty key
            return None
        hits = self.table.query(IndexName=index, KeyConditionExpression=Key(index).eq(value))["Items"]
        rows = [self.live(hit["pk"], hit["sk"]) for hit in hits]
        rows = [row for row in rows if row and row.get(index) == value]
        return max(rows, key=lambda row: row.get("rev", ""), default=None)  # the one that Clerk changed last

    def members(self, org_id):
        """The members of an organization, a page of 100 after the other, each with the user's own row."""
        for memberships in self.pages(f"ORG#{org_id}", "MEMBER#"):
            users = self.batch([{"pk": f"USER#{m['user_id']}", "sk": "USER"} for m in memberships])
            for membership in memberships:
                user = users.get(f"USER#{membership['user_id']}")
                yield membership, user if user and "deleted_at" not in user else None

    def memberships(self, user_id):
        for page in self.pages(f"USER#{user_id}", "MEMBERSHIP#"):
            yield from page

    def authorize(self, user_id, org_id, permission):
        """Whether a member's role has the permission now. The membership's own permissions may be out of date."""
        membership = self.membership(user_id, org_id)
        if not membership or "role" not in membership:
            return False
        instance = membership.get("instance_id")
        pages = self.pages(f"ROLE_KEY#{membership['role']}", "ROLE#")
        roles = [role for page in pages for role in page if role.get("instance_id") == instance]
        if not roles:
            raise LookupError(f"role {membership['role']} is not in the table")  # backfill --kind role
        return permission in max(roles, key=lambda role: role.get("rev", "")).get("permissions", [])

    def pages(self, pk, prefix):
        query = {
            "KeyConditionExpression": Key("pk").eq(pk) & Key("sk").begins_with(prefix),
            "FilterExpression": Attr("deleted_at").not_exists(),
            "ConsistentRead": True,
            "Limit": 100,
        }
        while True:
            out = self.table.query(**query)
            if out["Items"]:
                yield out["Items"]
            if "LastEvaluatedKey" not in out:
                return
            query["ExclusiveStartKey"] = out["LastEvaluatedKey"]

    def batch(self, keys):
        ask, found = {self.table.name: {"Keys": keys, "ConsistentRead": True}}, {}
        while ask:
            out = self.resource.batch_get_item(RequestItems=ask)
            found.update((row["pk"], row) for row in out["Responses"].get(self.table.name, []))
            ask = out["UnprocessedKeys"]
        return found
