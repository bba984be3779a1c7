{
  "kpack_signature": 1,
  "signatures": [
    {
      "key_id": "083f73c879a6b84223dccef275322b08a132f791b933ac36a6fbe68f81732efe",
      "sig": "3bac30165a085afea1e15aafbef5fd000f845f6deae9d2b4e6b2e74e4b807d688fa9d18b15d7a84b34d792c9a5b1b8fb0e2a19c620d85f6ca4b6924b5b9c7504"
    }
  ]
}
