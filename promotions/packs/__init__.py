"""
New-user packs: several parts given at once, to one person once for ever.

A person is a member id and opaque keys; what a coupon part gives is a template of
`promotions.coupons`, and its validity is the template's.
"""
