# Prints the keys of the rows that were written at $since or later, each with those of its pointers: what a restored table
# may hold in part. docs/operations.md, "Restore from a backup", feeds it the output of "aws dynamodb scan".

[.Items[] | select(.synced_at.S >= $since)] as $recent
| [$recent[] | {pk, sk}]

# The pointer of a membership has its key from the membership's.
+ [$recent[] | select(.kind.S == "membership")
  | {pk: {S: ("USER#" + (.sk.S | ltrimstr("MEMBER#")))}, sk: {S: ("MEMBERSHIP#" + (.pk.S | ltrimstr("ORG#")))}}]

# A tombstone does not say where the pointer of its domain or role was, but the pointer names its row.
+ [.Items[] | select(.kind.S == "domain_of" or .kind.S == "role_key")
  | select(.sk.S | IN($recent[].pk.S)) | {pk, sk}]

| unique | .[]
