"""
What an anonymous visitor or a shopper sees of goods: lists, product pages, running promotions.

It joins what the catalogue sells with what promotions make of it, and owns no table. It prices for
nobody in particular, with the function that prices carts, so that one page is the same for all and
may be kept for a moment; a buyer's own price is in the cart.

What a distributor earns by sharing a product ("赚 ¥x") is an answer of its own beside the kept page
(`earning`), because it differs by person.

A flash sale is told beside the price, with its own price and countdown: it is bought by a call of
its own and not through the cart, so it never changes what the product costs here. Later audiences
come in the same way, by their own lookups.
"""
