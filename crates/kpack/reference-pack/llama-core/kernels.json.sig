{
  "kpack_signature": 1,
  "signatures": [
    {
      "key_id": "71c470abced71832a17fd99b935048418142d71c472d27baaec045b8dcab09ea",
      "sig": "fe2051ca2211a0c178e2654931c3025aa541399d892dcd4ac5f40830dbe3750017ef36cf44fba02261c0eaf0e42ed80bd2398960d77d0a6e3fbbad5d32f74901"
    }
  ]
}
