{
  "kpack_signature": 1,
  "signatures": [
    {
      "key_id": "c4f95f1e9bc04b10d2f2d5479df5350c65940636205150e5f75007a4898e6b55",
      "sig": "61576758278bc8dc95d3cf7bef20662f9b75b74c2a31c40fcd0f93fb4a821dd6bba5f972a1e270a5941a4e4e577cfabe950ac21d28a88e3777a34bbf9f870407"
    }
  ]
}
