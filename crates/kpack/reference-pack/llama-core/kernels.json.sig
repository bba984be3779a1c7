{
  "kpack_signature": 1,
  "signatures": [
    {
      "key_id": "8a3435887eca0157a1dae31725f424c44c465b35009fcd2c2426393a5a82c5c8",
      "sig": "ca895913c7ce191937388cbee68316610a79af065e3154de2ec08b96f07b65b6360dc2c54f20376179cf933ea998318af67f1f54d10df9c84ffcbc7d62ffa30f"
    }
  ]
}
