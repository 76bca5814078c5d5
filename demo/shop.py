"""
What the demonstration shop sells: its categories, freight and products, as plain data.

A product is (category, title, subtitle, brand, spec, skus, tags); a SKU is (spec values, price,
market price, stock, weight), prices in fen, weight in grams.
"""

from typing import Any, NamedTuple

CATEGORIES = {
    "食品生鲜": ("坚果零食", "茶饮冲调", "时令水果", "粮油调味"),
    "服饰鞋包": ("女装", "男装", "童装", "箱包"),
    "居家生活": ("厨房用具", "床上用品", "清洁收纳"),
    "美妆个护": ("面部护理", "身体洗护"),
}

BRANDS = ("山野小铺", "云上茶园", "素简", "木棉家", "青禾", "海盐")


class SkuSeed(NamedTuple):
    """One SKU: spec values, prices in fen, stock, weight in grams."""

    spec_values: tuple[str, ...]
    price_fen: int
    market_price_fen: int | None
    stock: int
    weight_g: int


class ProductSeed(NamedTuple):
    """One product of the demonstration shop."""

    category: str
    title: str
    subtitle: str
    brand: str | None
    spec: tuple[tuple[str, tuple[str, ...]], ...]
    skus: tuple[SkuSeed, ...]
    tags: tuple[str, ...] = ()


def _single(price: int, market: int | None, stock: int, weight: int) -> tuple[SkuSeed, ...]:
    return (SkuSeed((), price, market, stock, weight),)


def _by(
    name: str, options: tuple[tuple[str, int, int | None, int], ...], *, stock: int
) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], tuple[SkuSeed, ...]]:
    """A matrix of one name: each option is (value, price, market price, weight)."""
    spec = ((name, tuple(option[0] for option in options)),)
    skus = tuple(
        SkuSeed((value,), price, market, stock, weight) for value, price, market, weight in options
    )
    return spec, skus


def _clothes(
    colours: tuple[str, ...], sizes: tuple[str, ...], price: int, market: int, weight: int
) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], tuple[SkuSeed, ...]]:
    """A matrix of colour and size with one price."""
    spec = (("颜色", colours), ("尺码", sizes))
    skus = tuple(
        SkuSeed((colour, size), price, market, 40, weight) for colour in colours for size in sizes
    )
    return spec, skus


PRODUCTS = (
    ProductSeed(
        "坚果零食", "每日坚果混合装", "七种果仁，独立小包", "山野小铺",
        *_by("规格", (("7 包", 2990, 3990, 210), ("30 包", 9990, 13900, 900)), stock=300),
        ("热卖",),
    ),
    ProductSeed("坚果零食", "临安手剥山核桃", "当季新货，壳薄肉满", "山野小铺", (), _single(4580, 5900, 180, 500)),
    ProductSeed("坚果零食", "海盐烤腰果", "小火慢烤，不加糖", "海盐", (), _single(3680, None, 260, 400)),
    ProductSeed(
        "坚果零食", "手工牛轧糖", "花生与蔓越莓", "山野小铺",
        *_by("口味", (("花生", 2580, None, 300), ("蔓越莓", 2780, None, 300)), stock=150),
    ),
    ProductSeed(
        "茶饮冲调", "明前龙井茶", "狮峰山脚，手工炒制", "云上茶园",
        *_by("净含量", (("50 克", 12800, 16800, 80), ("250 克罐装", 56800, 72000, 380)), stock=60),
        ("送礼",),
    ),
    ProductSeed("茶饮冲调", "正山小种红茶", "松烟香，回甘久", "云上茶园", (), _single(9800, 12800, 120, 200)),
    ProductSeed("茶饮冲调", "云南小粒咖啡豆", "中度烘焙，当周新烘", "青禾", (), _single(6800, None, 200, 454)),
    ProductSeed("茶饮冲调", "红豆薏米茶包", "二十袋，无蔗糖", "青禾", (), _single(2680, 3200, 320, 160)),
    ProductSeed("时令水果", "赣南脐橙", "果园直发，坏果包赔", None, (), _single(4990, 6900, 500, 5000), ("热卖",)),
    ProductSeed("时令水果", "烟台红富士苹果", "80 毫米以上大果", None, (), _single(5590, None, 400, 5000)),
    ProductSeed("时令水果", "丹东草莓", "清晨采摘，顺丰冷链", None, (), _single(8800, 9900, 80, 1500)),
    ProductSeed("粮油调味", "五常稻花香大米", "当季新米，真空装", "青禾", (), _single(7900, 9900, 300, 5000)),
    ProductSeed("粮油调味", "冷榨亚麻籽油", "低温物理压榨", "青禾", (), _single(6900, None, 150, 750)),
    ProductSeed("粮油调味", "古法酿造酱油", "晒足一百八十天", "海盐", (), _single(2380, 2980, 260, 800)),
    ProductSeed(
        "女装", "亚麻圆领衬衫", "透气不贴身", "素简",
        *_clothes(("米白", "雾蓝"), ("S", "M", "L"), 19900, 26900, 260), ("新品",),
    ),
    ProductSeed(
        "女装", "羊毛混纺针织开衫", "柔软不扎，四季可穿", "素简",
        *_clothes(("燕麦", "墨绿"), ("S", "M", "L"), 32900, 45900, 420),
    ),
    ProductSeed(
        "女装", "高腰直筒牛仔裤", "微弹显瘦", "素简",
        *_clothes(("浅蓝", "深蓝"), ("26", "27", "28", "29"), 25900, 32900, 560),
    ),
    ProductSeed(
        "男装", "重磅纯棉 T 恤", "260 克，不易变形", "素简",
        *_clothes(("白", "黑", "灰"), ("M", "L", "XL"), 12900, 16900, 300), ("热卖",),
    ),
    ProductSeed(
        "男装", "免烫牛津纺衬衫", "通勤不用熨", "素简",
        *_clothes(("白", "浅蓝"), ("39", "40", "41", "42"), 23900, 29900, 280),
    ),
    ProductSeed(
        "童装", "有机棉连体衣", "A 类标准，无骨缝制", "木棉家",
        *_clothes(("本色",), ("66", "73", "80", "90"), 9900, 13900, 160),
    ),
    ProductSeed(
        "童装", "轻薄羽绒马甲", "90 绒，可机洗", "木棉家",
        *_clothes(("姜黄", "藏青"), ("110", "120", "130"), 16900, 21900, 240),
    ),
    ProductSeed("箱包", "帆布托特包", "加厚帆布，装得下电脑", "素简", (), _single(13900, 17900, 140, 650)),
    ProductSeed("箱包", "真皮零钱包", "头层牛皮，手工缝线", "素简", (), _single(15900, None, 90, 120)),
    ProductSeed(
        "厨房用具", "铸铁平底锅", "无涂层，越用越好", "木棉家",
        *_by("直径", (("24 厘米", 19900, 25900, 2100), ("28 厘米", 25900, 32900, 2900)), stock=70),
        ("热卖",),
    ),
    ProductSeed("厨房用具", "日式陶瓷餐具套装", "釉下彩，微波炉可用", "木棉家", (), _single(16800, 21800, 110, 3200)),
    ProductSeed("厨房用具", "竹制砧板", "整竹，不开裂", "木棉家", (), _single(5900, None, 230, 1300)),
    ProductSeed("厨房用具", "玻璃密封罐三件套", "高硼硅玻璃", "木棉家", (), _single(7900, 9900, 180, 1500)),
    ProductSeed(
        "床上用品", "全棉四件套", "60 支长绒棉", "木棉家",
        *_by("尺寸", (("1.5 米床", 39900, 52900, 2300), ("1.8 米床", 45900, 59900, 2700)), stock=60),
    ),
    ProductSeed("床上用品", "乳胶枕", "天然乳胶，一体成型", "木棉家", (), _single(18900, 25900, 100, 1400)),
    ProductSeed("床上用品", "大豆纤维冬被", "轻暖，可水洗", "木棉家", (), _single(29900, None, 80, 2800)),
    ProductSeed("清洁收纳", "桌面收纳盒", "可叠放，三格", "素简", (), _single(3900, 4900, 300, 450)),
    ProductSeed("清洁收纳", "植物酵素洗洁精", "可用于奶瓶与果蔬", "青禾", (), _single(2990, None, 400, 1000)),
    ProductSeed("清洁收纳", "超细纤维拖把", "免手洗，配两块布", "木棉家", (), _single(8900, 11900, 120, 1600)),
    ProductSeed("面部护理", "氨基酸洁面乳", "温和，敏感肌可用", "海盐", (), _single(6900, 8900, 260, 150), ("热卖",)),
    ProductSeed("面部护理", "玻尿酸补水面膜", "十片装", "海盐", (), _single(8900, None, 320, 300)),
    ProductSeed("面部护理", "物理防晒霜", "SPF50，不假白", "海盐", (), _single(11900, 14900, 150, 80)),
    ProductSeed(
        "身体洗护", "无硅油洗发水", "清爽蓬松", "海盐",
        *_by("容量", (("300 毫升", 5900, None, 340), ("500 毫升", 8500, 9900, 560)), stock=200),
    ),
    ProductSeed("身体洗护", "马鞭草沐浴露", "草木香，泡沫细", "海盐", (), _single(5800, 7200, 240, 500)),
    ProductSeed("身体洗护", "手工冷制皂", "橄榄油与羊奶", "海盐", (), _single(3200, None, 280, 110)),
)  # fmt: skip

FREIGHT_NAME = "满 99 元包邮"
FREIGHT_RULES = (
    # region prefix, served, first grams, first fen, next grams, next fen, free over fen
    ("", True, 1000, 800, 1000, 200, 9900),
    ("65", True, 1000, 2000, 1000, 1200, 29900),
    ("54", True, 1000, 2500, 1000, 1500, 39900),
    ("71", False, 1000, 0, 1000, 0, None),
)


def freight_template() -> dict[str, Any]:
    """The shop's freight template as the admin API takes it."""
    names = (
        "region_prefix", "is_served", "first_units", "first_fen", "next_units", "next_fen",
        "free_over_fen",
    )  # fmt: skip
    rules = [dict(zip(names, rule, strict=True)) for rule in FREIGHT_RULES]
    return {"name": FREIGHT_NAME, "charge_by": "weight", "rules": rules}
