"""The AsyncSession of fasthttp-client, the older package of the same import name."""
