"""curl_cffi's AsyncSession."""
