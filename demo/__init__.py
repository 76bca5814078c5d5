"""A whole mall on this machine: its servers, its sandbox WeChat, a believable shop, and a tour."""
