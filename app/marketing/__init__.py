"""
The HTTP face of the promotions engine: quotes for carts and orders, campaigns for staff.

Maps SKUs to the engine's cart and its words to Chinese. Decides no price itself: that is
`promotions.pricing`.
"""
