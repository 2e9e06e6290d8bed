# Prints the keys of the live memberships and domains whose pointer is missing. docs/operations.md, "Restore from a backup",
# feeds it the output of "aws dynamodb scan": all live rows of these kinds and all of their pointers.

(reduce (.Items[] | select(.kind.S == "membership_of" or .kind.S == "domain_of")) as $pointer ({};
  .[$pointer.pk.S + " " + $pointer.sk.S] = true)) as $pointers
| .Items[]
| if .kind.S == "membership" then
    {pk, sk, pointer: ("USER#" + (.sk.S | ltrimstr("MEMBER#")) + " MEMBERSHIP#" + (.pk.S | ltrimstr("ORG#")))}
  elif .kind.S == "domain" and .org_id then
    {pk, sk, pointer: ("ORG#" + .org_id.S + " " + .pk.S)}
  else
    empty # a pointer, or a domain without organization
  end
| select($pointers[.pointer] | not) | {pk, sk}
