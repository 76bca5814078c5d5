"""
Coupons over HTTP: the claim centre, codes, pushes to a segment, and what members and staff see.

Owns pushes: who is to get what, and how far that is. Issues, holds and uses nothing itself: that is
`promotions.coupons`, and the terms of a template are set up as a campaign, in `app.marketing`.
"""
