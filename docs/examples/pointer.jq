# Makes the pointer of a membership, a domain or a role from its row; without rev, if the row has none.
# docs/operations.md, "Restore from a backup" and "Put a row back by hand", feeds it the output of "aws dynamodb get-item".

.Item
| if .kind.S == "membership" then
    {pk: {S: ("USER#" + .user_id.S)}, sk: {S: ("MEMBERSHIP#" + .org_id.S)}, kind: {S: "membership_of"},
      id, org_id, user_id, role, role_name, permissions, created_at, updated_at, rev, synced_at, svix_id, instance_id}
  elif .kind.S == "domain" and .org_id then
    {pk: {S: ("ORG#" + .org_id.S)}, sk: {S: ("DOMAIN#" + .id.S)}, kind: {S: "domain_of"},
      id, org_id, name, enrollment_mode, rev, synced_at, svix_id, instance_id}
  elif .kind.S == "role" and .key then
    {pk: {S: ("ROLE_KEY#" + .key.S)}, sk: {S: ("ROLE#" + .id.S)}, kind: {S: "role_key"},
      id, key, name, permissions, is_creator_eligible, rev, synced_at, svix_id, instance_id}
  else
    error("only memberships, domains of an organization, and roles with a key have a pointer")
  end
| with_entries(select(.value))
