{
  "kpack_signature": 1,
  "signatures": [
    {
      "key_id": "c91b4acf93977a90135c48993d11614c5f7594d14051d592396a9ed188f120df",
      "sig": "24d35d41f018668dc312ad4e01abc0d064b963646cf0daaa764c8b8702822af2fd4ba89d9a0186d81109b518ac70ff5b26371d584e7414cd5e52b7c211efff07"
    }
  ]
}
