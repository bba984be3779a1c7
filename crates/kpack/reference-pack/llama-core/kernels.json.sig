{
  "kpack_signature": 1,
  "signatures": [
    {
      "key_id": "784f538a76e757c266aee2f5256b3736bede84fb5d5f2361863f9b3844e0ed2b",
      "sig": "30568f3f9ba6e04cd123adbabb7c0f920a3d925d7c02c3c4eeefcefe8b27c720165295bf1d687f1caab42790e1b981a245abdee0037623d942e9702877966c0a"
    }
  ]
}
