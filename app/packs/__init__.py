"""
The HTTP face of new-user packs, and of the points a member has been granted.

It says who a member is, by keyed hashes; who may claim, and that nobody claims twice, is decided in
`promotions.packs`.
"""
