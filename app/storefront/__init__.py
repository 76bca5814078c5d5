"""
What an anonymous visitor or a shopper sees of goods: lists, product pages, running promotions.

It joins what the catalogue sells with what promotions make of it, and owns no table. It prices for
nobody in particular, with the function that prices carts, so that one page is the same for all and
may be kept for a moment; a buyer's own price is in the cart.

What a distributor earns by sharing a product ("赚 ¥x") is an answer of its own beside the kept page
(`earning`), because it differs by person.

Later audiences come in here, by their own lookups and outside the kept page: a flash sale as one
more price of a SKU, in the price lane, with its stock and its sessions of the day told beside
`promotions`.
"""
