"""The broker: orders, fills, positions and money, in compiled code over plain arrays.

    records.py   what an order, a fill, a position, a trade and an account are
    decimals.py  prices, quantities and money as the decimals that they are meant as
    prices.py    at which price a bar fills an order
    money.py     costs, marks, what can be afforded
    placing.py   orders come in: checks, sizes, limits
    filling.py   orders are filled: positions, trades, brackets
    signals.py   what the columns of strategies ask for becomes orders
    quotes.py    the bars of symbols that are held or ordered
    walk.py      one instant after the other: signals, then the bar that follows
    overnight.py splits, dividends, borrowing, delisting

docs/trading.md has the rules in words, and the open questions of bar data with their answers.
"""
