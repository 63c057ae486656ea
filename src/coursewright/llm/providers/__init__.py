"""One adapter a vendor. Each imports its SDK only when it is made."""
